import { execFile } from 'node:child_process';
import { createReadStream, existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, Server as HttpServer, ServerResponse } from 'node:http';
import { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';

import { binary } from './server';

const types: Record<string, string> = {
  '.css': 'text/css',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.svg': 'image/svg+xml',
  '.webmanifest': 'application/manifest+json',
  '.woff2': 'font/woff2',
};

/** A web server that has nothing but files, as a CDN: on an origin of its own, with index.html for every path that is none. */
export class Site {
  private constructor(
    private readonly http: HttpServer,
    private readonly folder: string,
  ) {}

  /** Opens a port, with no files to serve yet. */
  static async open(): Promise<Site> {
    const folder = await mkdtemp(join(tmpdir(), 'fleetbeat-site-'));
    const http = createServer((request, response) => {
      const path = join(folder, new URL(request.url ?? '/', 'http://site').pathname);
      give(response, extname(path) && existsSync(path) ? path : join(folder, 'index.html'));
    });
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    return new Site(http, folder);
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.http.address() as AddressInfo).port}`;
  }

  /** Writes the dashboard here, for a server elsewhere. */
  async publish(api: string): Promise<void> {
    await promisify(execFile)(binary, ['page', this.folder, '--api', api]);
  }

  async close(): Promise<void> {
    this.http.closeAllConnections();
    await new Promise((resolve) => this.http.close(resolve));
    await rm(this.folder, { recursive: true });
  }
}

function give(response: ServerResponse, path: string): void {
  response.setHeader('Content-Type', types[extname(path)] ?? 'application/octet-stream');
  createReadStream(path).pipe(response);
}
