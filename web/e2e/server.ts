import { ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** The built program. */
export const binary = join(import.meta.dirname, '../../bin/fleetbeat');
/** What deploys a server in place of the built program, and speaks as it does; undefined when there is none. */
export const deployment = process.env['FLEETBEAT_DEPLOYMENT'];
// Milliseconds in which a server has to listen, and then to be ready: a deployment has machines to start.
const patience = deployment ? 120_000 : 20_000;

/** The real server on a free port, with a folder of its own. */
export class Server {
  private process: ChildProcess | undefined;
  private port = '0';

  private constructor(
    private readonly command: string[],
    private readonly folder: string,
  ) {}

  /** Runs a command of fleetbeat, for instance `serve --late-after 2s`. */
  static async start(command: string): Promise<Server> {
    const folder = await mkdtemp(join(tmpdir(), 'fleetbeat-e2e-'));
    const server = new Server(command.split(' '), folder);
    await server.run();
    return server;
  }

  /** Where it is reached, without a slash at the end. */
  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Starts it again after it was killed, on its port and with its folder. */
  async run(): Promise<void> {
    const place = ['--http', `127.0.0.1:${this.port}`, '--data', join(this.folder, 'data')];
    const child = (this.process = spawn(deployment ?? binary, [...this.command, ...place]));
    this.port = await listening(child);
    for (const end = Date.now() + patience; Date.now() < end; await sleep(20))
      if ((await fetch(`${this.url}/readyz`)).ok) return;
    throw new Error('fleetbeat does not become ready');
  }

  /** Ends it as a power cut does. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  /** Ends it, and removes what it kept. */
  async stop(): Promise<void> {
    await this.end('SIGTERM');
    await rm(this.folder, { recursive: true });
  }

  /** Calls the API. It gives the answer, and throws when that is a refusal. */
  async call<T = unknown>(method: string, path: string, body?: unknown): Promise<T> {
    const csv = typeof body === 'string';
    const request: RequestInit = { method };
    if (body !== undefined) {
      request.headers = { 'Content-Type': csv ? 'text/csv' : 'application/json' };
      request.body = csv ? body : JSON.stringify(body);
    }
    const answer = await fetch(this.url + path, request);
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return (text ? JSON.parse(text) : undefined) as T;
  }

  /** Reports as some vehicles, now. */
  async beat(...vins: string[]): Promise<void> {
    await this.call(
      'POST',
      '/v1/heartbeats',
      vins.map((vehicle) => ({ vehicle, sent_at: new Date().toISOString() })),
    );
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.process;
    this.process = undefined;
    if (!child || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await ended;
  }
}

/** Vehicles that report twice a second. */
export class Beats {
  private vins: readonly string[] = [];
  private readonly timer = setInterval(() => this.send(), 500);

  constructor(private readonly server: Server) {}

  /** From now on these report, and no others. */
  of(vins: readonly string[]): void {
    this.vins = vins;
    this.send();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private send(): void {
    // While the server is down, or when it is gone, they report to nobody; a test sees that by itself.
    if (this.vins.length > 0) this.server.beat(...this.vins).catch(() => undefined);
  }
}

/** The port that a server says it listens on. */
function listening(child: ChildProcess): Promise<string> {
  let said = '';
  return new Promise((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`fleetbeat ${why}:\n${said}`));
    const timer = setTimeout(() => fail('does not say that it listens'), patience);
    const hear = (chunk: Buffer) => {
      said += chunk.toString();
      const port = /http:\/\/127\.0\.0\.1:(\d+)/.exec(said)?.[1];
      if (!port) return;
      clearTimeout(timer);
      said = ''; // the pipes are read on, so that it can always write
      resolve(port);
    };
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
    child.once('error', (error) => fail(error.message));
    child.once('exit', (code) => fail(`ended with ${code}`));
  });
}
