/** A program that runs in a simulated process: what all of them have. */
import type { Observation, Observer } from "../../../internal/ports/observer.ts";
import type { Starts } from "../checks/starts.ts";
import type { Truth } from "../checks/truth.ts";
import { Link } from "../engine/link.ts";
import { SimProcess } from "../engine/process.ts";
import type { World } from "../engine/world.ts";
import { Client } from "../ports/client.ts";
import type { Settings } from "../scenario/settings.ts";
import type { SimServer } from "../server/server.ts";
import { openPorts, type SimPorts } from "./ports.ts";

/** What every actor lives in. */
export interface Surroundings {
  readonly world: World;
  readonly server: SimServer;
  readonly settings: Settings;
  readonly truth: Truth;
  readonly starts: Starts;
  /** What a service has told, with the program that it belongs to. */
  onObservation(program: Program, observation: Observation): void;
}

/** A thread with a loop of its own, and its connection. */
export interface Part {
  readonly process: SimProcess;
  readonly client: Client;
}

export class Program {
  readonly name: string;
  readonly process: SimProcess;
  readonly ports: SimPorts;
  readonly observer: Observer;
  readonly #surroundings: Surroundings;
  readonly #skewMs: number;
  /** All threads; the first is the main one. */
  readonly #parts: Part[] = [];

  constructor(name: string, surroundings: Surroundings) {
    const { world } = surroundings;
    this.name = name;
    this.#surroundings = surroundings;
    this.#skewMs = world.random.chance(0.3) ? world.random.below(20_000) - 10_000 : 0;
    const { process, client } = this.part(name);
    this.process = process;
    this.ports = openPorts(client, surroundings.settings);
    this.observer = {
      observe: (observation) => {
        if (this.process.isAlive) surroundings.onObservation(this, observation);
      },
    };
  }

  get links(): readonly Link[] {
    return this.#parts.map(({ client }) => client.link);
  }
  get link(): Link {
    return this.ports.client.link;
  }

  /** Another thread of this program. */
  part(name: string): Part {
    const { world, server, settings } = this.#surroundings;
    const process = new SimProcess(world, name, { skewMs: this.#skewMs });
    const link = new Link(process, { latencyMs: settings.latencyMs, pickNode: () => server.pickNode() });
    server.attach(link);
    const part = { process, client: new Client(link, server) };
    this.#parts.push(part);
    return part;
  }

  /** All of it stands still, or only its main loop. */
  pause(what: "all" | "loop"): void {
    for (const { process } of this.#parts) if (what === "all" || process === this.process) process.pause();
  }
  wake(): void {
    for (const { process } of this.#parts) process.wake();
  }

  /** The path from its machine to the server is silent for so long. */
  silence(ms: number): void {
    for (const link of this.links) link.silence(ms);
  }

  /** Dead from now on, at whatever await it is. */
  crash(): void {
    for (const { process, client } of this.#parts.toReversed()) {
      client.link.close();
      this.#surroundings.server.detach(client.link);
      process.crash();
    }
  }

  /** Ends in order: what was said has left. */
  async close(): Promise<void> {
    await Promise.all(this.#parts.map(({ client }) => client.close()));
    this.crash();
  }
}
