import { Injectable, InjectionToken, inject } from '@angular/core';

import { Problem, problemOf } from './problem';
import { paths } from './schema';

/** Where the API is: empty for the page's own origin, else an origin without a slash at its end. */
export const API_BASE = new InjectionToken<string>('where the API is', {
  factory: () =>
    document.querySelector<HTMLMetaElement>('meta[name="fleetbeat-api"]')?.content.replace(/\/$/, '') ?? '',
});

type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';
type Json<T> = T extends { content: { 'application/json': infer Body } } ? Body : never;
type Operation<P extends keyof paths, M extends Method> = NonNullable<paths[P][M]>;
type Answers<O> = O extends { responses: infer R } ? R : never;
type Parameters<O, In extends string> = O extends { parameters: infer All }
  ? In extends keyof All
    ? NonNullable<All[In]>
    : never
  : never;

/** What an operation answers when it succeeds. */
export type Answer<P extends keyof paths, M extends Method> = {
  [Status in keyof Answers<Operation<P, M>>]: Json<Answers<Operation<P, M>>[Status]>;
}[keyof Answers<Operation<P, M>> & (200 | 201)];

type Body<O> = O extends { requestBody: infer B } ? Json<B> : undefined;

/** What is handed to an operation. */
export interface Request<P extends keyof paths, M extends Method> {
  path?: Record<string, string>;
  query?: Parameters<Operation<P, M>, 'query'>;
  body?: Body<Operation<P, M>>;
  signal?: AbortSignal;
}

/** The server's API. Every call ends with its answer, or throws a Problem, or the signal's AbortError. */
@Injectable({ providedIn: 'root' })
export class Api {
  private readonly base = inject(API_BASE);

  async get<P extends keyof paths>(path: P, request: Request<P, 'get'> = {}): Promise<Answer<P, 'get'>> {
    return this.call('get', path, request);
  }

  async post<P extends keyof paths>(path: P, request: Request<P, 'post'> = {}): Promise<Answer<P, 'post'>> {
    return this.call('post', path, request);
  }

  async put<P extends keyof paths>(path: P, request: Request<P, 'put'> = {}): Promise<Answer<P, 'put'>> {
    return this.call('put', path, request);
  }

  async patch<P extends keyof paths>(
    path: P,
    request: Request<P, 'patch'> = {},
  ): Promise<Answer<P, 'patch'>> {
    return this.call('patch', path, request);
  }

  async delete<P extends keyof paths>(path: P, request: Request<P, 'delete'> = {}): Promise<void> {
    await this.send('delete', path, request);
  }

  /** The bytes of an operation that answers with some. */
  async bytes<P extends keyof paths>(path: P, request: Request<P, 'get'> = {}): Promise<ArrayBuffer> {
    return (await this.send('get', path, request)).arrayBuffer();
  }

  /** The address of an operation, for what asks by itself: a link or a stream. */
  url(path: string, query: object = {}): string {
    const parameters = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) {
      for (const one of Array.isArray(value) ? value : [value]) {
        if (one !== undefined && one !== '') parameters.append(name, String(one));
      }
    }
    const text = parameters.toString();
    return this.base + path + (text && `?${text}`);
  }

  private async call<P extends keyof paths, M extends Method>(
    method: M,
    path: P,
    request: Request<P, M>,
  ): Promise<Answer<P, M>> {
    const answer = await this.send(method, path, request);
    if (!answer.headers.get('Content-Type')?.includes('json')) throw await problemOf(answer);
    return answer.json() as Promise<Answer<P, M>>;
  }

  private async send<P extends keyof paths, M extends Method>(
    method: M,
    path: P,
    { path: values, query, body, signal }: Request<P, M>,
  ): Promise<Response> {
    const filled = String(path).replace(/\{(\w+)\}/g, (_, name: string) =>
      encodeURIComponent(values?.[name] ?? ''),
    );
    const init: RequestInit = { method: method.toUpperCase() };
    if (signal) init.signal = signal;
    if (body !== undefined) {
      init.body = JSON.stringify(body);
      init.headers = { 'Content-Type': 'application/json' };
    }
    let answer: Response;
    try {
      answer = await fetch(this.url(filled, query), init);
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new Problem(0, '', []);
    }
    if (!answer.ok) throw await problemOf(answer);
    return answer;
  }
}
