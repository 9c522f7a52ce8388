import { Clipboard } from '@angular/cdk/clipboard';
import { Component, DestroyRef, computed, effect, inject, resource, untracked } from '@angular/core';
import { MatIconButton } from '@angular/material/button';
import { MatIcon } from '@angular/material/icon';
import { MatSnackBar } from '@angular/material/snack-bar';

import { Api } from '../api/api';
import { Problem } from '../api/problem';
import { Feed } from '../live/feed';
import { kept } from '../ui/kept';
import { Ago, Moment } from '../ui/moment';
import { Notice } from '../ui/notice';
import { Skeleton } from '../ui/skeleton';
import { Format } from '../words/format';
import { gapReason } from '../words/gap';
import { checkpointOf } from './checkpoint';
import { partName } from './part-name';

const every = 10_000; // milliseconds between two questions
const mostGaps = 20;

/** How the server itself is: whether it listens, what it has stored, and whether its log is what it signed. */
@Component({
  selector: 'fb-status-page',
  imports: [Ago, MatIcon, MatIconButton, Moment, Notice, Skeleton],
  templateUrl: './status-page.html',
  styleUrl: './status-page.scss',
})
export class StatusPage {
  private readonly api = inject(Api);
  private readonly clipboard = inject(Clipboard);
  private readonly feed = inject(Feed);
  private readonly snackBar = inject(MatSnackBar);
  protected readonly format = inject(Format);
  protected readonly partName = partName;

  protected readonly state = resource({
    loader: async ({ abortSignal: signal }) => {
      const text = async (path: '/v1/proof/checkpoint' | '/v1/proof/key') =>
        new TextDecoder().decode(await this.api.bytes(path, { signal }));
      const [summary, storage, gaps, checkpoint, key] = await Promise.all([
        this.api.get('/v1/summary', { signal }),
        this.api.get('/v1/storage', { signal }),
        this.api.get('/v1/gaps', { signal }),
        text('/v1/proof/checkpoint').catch(unsigned),
        text('/v1/proof/key'),
      ]);
      const doors = summary.observer.doors ?? [];
      return { doors, storage, gaps: gaps.items, checkpoint: checkpointOf(checkpoint), key: key.trim() };
    },
  });
  protected readonly known = kept(this.state);
  protected readonly observer = this.feed.observer;
  protected readonly doors = computed(() => this.known()?.doors ?? []);
  protected readonly position = computed(() => this.feed.summary()?.position);
  protected readonly gaps = computed(() =>
    (this.known()?.gaps ?? []).slice(0, mostGaps).map((gap) => ({
      ...gap,
      why: gapReason(gap.reason),
      length: this.format.duration(Date.parse(gap.to) - Date.parse(gap.from)),
    })),
  );
  protected readonly retention = computed(() => {
    const storage = this.known()?.storage;
    if (!storage?.keep_log && !storage?.keep_history) {
      return $localize`Nothing is dropped: log and history are kept for ever.`;
    }
    const length = (seconds: number | null) =>
      seconds ? this.format.duration(seconds * 1000) : $localize`for ever`;
    const log = length(storage.keep_log);
    const history = length(storage.keep_history);
    return $localize`Log kept: ${log}:log:. History kept: ${history}:history:.`;
  });
  protected readonly parts = computed(() =>
    (this.known()?.storage.parts ?? []).filter(({ files, bytes }) => files > 0 || bytes > 0),
  );
  protected readonly used = computed(() => {
    const storage = this.known()?.storage;
    if (!storage || storage.disk_total === 0) return undefined;
    const ours = storage.parts.reduce((sum, { bytes }) => sum + bytes, 0);
    const others = Math.max(0, storage.disk_total - storage.disk_free - ours);
    const percent = (bytes: number) => (100 * bytes) / storage.disk_total;
    return {
      ours,
      others,
      free: storage.disk_free,
      oursPercent: percent(ours),
      othersPercent: percent(others),
    };
  });

  constructor() {
    const timer = setInterval(() => document.visibilityState === 'visible' && this.state.reload(), every);
    inject(DestroyRef).onDestroy(() => clearInterval(timer));
    effect(() => {
      this.feed.resyncs();
      untracked(() => this.state.reload());
    });
  }

  protected copy(text: string): void {
    const done = this.clipboard.copy(text);
    this.snackBar.open(done ? $localize`Copied` : $localize`The browser does not allow copying`, undefined, {
      duration: 4000,
    });
  }
}

// A young log is refused until it is signed for the first time.
function unsigned(problem: unknown): string {
  if (problem instanceof Problem && problem.status === 503) return '';
  throw problem;
}
