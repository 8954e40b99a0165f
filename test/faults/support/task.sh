# The bash task of the load: writes the same lines as the functions in tasks.mjs do, each by a single write. It runs in a
# process of its own and may outlive its worker.
write() {
  local micros=${EPOCHREALTIME/[.,]/}
  printf '{"event":"%s","run":"%s","task":"%s","attempt":%s,"worker":"%s","token":"%s",%s,"time":%s}\n' \
    "$1" "$JETDAG_RUN_ID" "$JETDAG_TASK_ID" "$JETDAG_ATTEMPT" "$TRUTH_WORKER" "$token" "$2" \
    "$((micros / 1000))" >>"$TRUTH_FILE"
}

token="bash-$$-$EPOCHREALTIME"
inputs=""
for name in ${!JETDAG_PARAM_*}; do
  case "$name" in
    *__token)
      task="${name#JETDAG_PARAM_}"
      inputs+=",\"${task%__token}\":\"${!name}\""
      ;;
  esac
done
write start "\"inputs\":{${inputs#,}}"
sleep "$SECONDS_TO_TAKE"
echo "token=$token" >"$JETDAG_OUTPUT_FILE"
write end '"how":"completed"'
