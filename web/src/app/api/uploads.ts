import { Injectable, inject } from '@angular/core';

import { Api } from './api';
import { Problem, problemOf } from './problem';
import { ImportResult } from './shapes';

/** How a file is imported. */
export interface ImportOptions {
  /** Whether the good lines are written when others are wrong. */
  partial?: boolean;
  /** Whether nothing is written, and only told what would be. */
  dryRun?: boolean;
  /** Is told how many bytes are sent. */
  progress?: (sent: number) => void;
  signal?: AbortSignal;
}

/** Sends files. It tells how far it is, which fetch cannot. It ends as the calls of Api do. */
@Injectable({ providedIn: 'root' })
export class Uploads {
  private readonly api = inject(Api);

  /** Imports vehicles from a CSV file. Wrong lines are part of the answer, not a Problem. */
  importVehicles(file: Blob, options: ImportOptions = {}): Promise<ImportResult> {
    const { partial, dryRun, progress, signal } = options;
    const request = new XMLHttpRequest();
    const query = { ...(partial && { partial }), ...(dryRun && { dry_run: dryRun }) };
    request.open('POST', this.api.url('/v1/import', query));
    request.setRequestHeader('Content-Type', 'text/csv');
    request.upload.onprogress = (event) => progress?.(event.loaded);
    const abort = () => request.abort();
    signal?.addEventListener('abort', abort);
    return new Promise<ImportResult>((resolve, reject) => {
      request.onabort = () => reject(new DOMException('aborted', 'AbortError'));
      request.onerror = () => reject(new Problem(0, '', []));
      request.onload = () => void answerOf(request).then(resolve, reject);
      if (signal?.aborted) reject(new DOMException('aborted', 'AbortError'));
      else request.send(file);
    }).finally(() => signal?.removeEventListener('abort', abort));
  }
}

async function answerOf(request: XMLHttpRequest): Promise<ImportResult> {
  const json = request.getResponseHeader('Content-Type')?.includes('json');
  if (request.status === 200 && json) return JSON.parse(request.responseText) as ImportResult;
  throw await problemOf(new Response(request.responseText, { status: request.status }));
}
