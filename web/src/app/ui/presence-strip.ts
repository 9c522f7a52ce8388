import { Component, ElementRef, computed, inject, input, signal, viewChild } from '@angular/core';

import { Presence } from '../api/shapes';
import { Format } from '../words/format';
import { presenceName, presences } from '../words/presence';
import { Piece, Span, condense } from './strip-pieces';

const mostPieces = 800; // about a pixel and a half each
const ticks = 4;

interface Shown extends Piece {
  /** Where it begins and how wide it is, in percent of the window. */
  left: number;
  width: number;
  kind: Presence | 'out-of-coverage' | 'unobserved' | 'nowhere';
}

/**
 * A vehicle's presence over a window of time. What is worse stands taller, so that nobody has to tell it by colour. The
 * pointer or the arrow keys ask for a piece; without them it says how much of the window was what.
 */
@Component({
  selector: 'fb-presence-strip',
  templateUrl: './presence-strip.html',
  styleUrl: './presence-strip.scss',
})
export class PresenceStrip {
  private readonly format = inject(Format);
  private readonly track = viewChild.required<ElementRef<HTMLElement>>('track');

  /** They fill the window without a hole, oldest first. */
  readonly pieces = input.required<readonly Piece[]>();
  readonly window = input.required<Span>();

  // The moment that is asked for, so that it stays with its piece while the window moves on.
  private readonly asked = signal<number | undefined>(undefined);
  private readonly length = computed(() => this.window().to - this.window().from);

  protected readonly shown = computed<Shown[]>(() => {
    const { from } = this.window();
    const percent = 100 / this.length();
    return condense(this.pieces(), this.length() / mostPieces).map((piece) => ({
      ...piece,
      left: (piece.from - from) * percent,
      width: (piece.to - piece.from) * percent,
      kind: kindOf(piece),
    }));
  });
  protected readonly chosen = computed(() => {
    const asked = this.asked();
    if (asked === undefined) return -1;
    const last = this.shown().length - 1;
    const at = this.shown().findIndex((piece) => asked < piece.to);
    return at < 0 ? last : at;
  });
  protected readonly kinds = computed(() => {
    const there = new Set(this.shown().map((piece) => piece.kind));
    const order = [...presences, 'out-of-coverage', 'unobserved', 'nowhere'] as const;
    return order.filter((kind) => there.has(kind)).map((kind) => ({ kind, name: nameOf(kind) }));
  });
  protected readonly summary = computed(() => {
    const sums = new Map<Shown['kind'], number>();
    for (const { kind, from, to } of this.shown()) sums.set(kind, (sums.get(kind) ?? 0) + to - from);
    return this.kinds()
      .map(({ kind, name }) => `${name} ${this.format.duration(sums.get(kind) ?? 0)}`)
      .join(' · ');
  });
  protected readonly story = computed(() => {
    const piece = this.shown()[this.chosen()];
    return piece ? this.tell(piece) : this.summary();
  });
  protected readonly ticks = computed(() => {
    const { from, to } = this.window();
    return Array.from({ length: ticks + 1 }, (_, i) => {
      const at = new Date(from + (this.length() * i) / ticks);
      const text = this.format.day(at) === this.format.day(new Date(to)) ? '' : `${this.format.day(at)} `;
      return i === ticks ? $localize`now` : text + this.format.hourAndMinute(at);
    });
  });

  protected point(event: PointerEvent): void {
    const box = this.track().nativeElement.getBoundingClientRect();
    const part = (event.clientX - box.left) / box.width;
    this.asked.set(this.window().from + this.length() * Math.min(1, Math.max(0, part)));
  }

  protected forget(): void {
    this.asked.set(undefined);
  }

  protected press(event: KeyboardEvent): void {
    const last = this.shown().length - 1;
    const now = this.chosen() < 0 ? last + 1 : this.chosen();
    const next = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: last }[event.key];
    if (event.key === 'Escape') this.forget();
    if (next === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const piece = this.shown()[Math.min(last, Math.max(0, next))];
    if (piece) this.asked.set((piece.from + piece.to) / 2);
  }

  private tell(piece: Shown): string {
    const end = new Date(this.window().to);
    const from = this.format.timeBeside(new Date(piece.from), end);
    const to =
      piece.to >= this.window().to ? $localize`now` : this.format.timeBeside(new Date(piece.to), end);
    const length = this.format.duration(piece.to - piece.from);
    const name = nameOf(piece.kind);
    if (piece.count > 1)
      return $localize`${piece.count}:count: changes, at worst ${name}:presence: · ${from}:from: to ${to}:to: · ${length}:length:`;
    return $localize`${name}:presence: · ${from}:from: to ${to}:to: · ${length}:length:`;
  }
}

function kindOf({ unobserved, outOfCoverage, presence }: Piece): Shown['kind'] {
  if (unobserved) return 'unobserved';
  return outOfCoverage ? 'out-of-coverage' : (presence ?? 'nowhere');
}

function nameOf(kind: Shown['kind']): string {
  if (kind === 'out-of-coverage') return $localize`out of coverage`;
  if (kind === 'unobserved') return $localize`unobserved`;
  if (kind === 'nowhere') return $localize`not known here`;
  return presenceName(kind);
}
