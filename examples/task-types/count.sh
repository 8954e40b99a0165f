# Counts the files beside it, on a day that it is told: count.sh --day DAY
day="$2"
files=$(find "$(dirname "$0")" -type f | wc -l)
echo "$day: $files files" >&2
echo "{\"day\": \"$day\", \"files\": $files}"
