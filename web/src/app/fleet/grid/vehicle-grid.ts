import {
  Component,
  DestroyRef,
  ElementRef,
  afterNextRender,
  computed,
  effect,
  inject,
  input,
  output,
  signal,
  untracked,
  viewChild,
} from '@angular/core';
import { Router } from '@angular/router';

import { GridGroup } from '../../api/shapes';
import { GridCells } from '../../live/grid-cells';
import { GridMatches } from '../../live/grid-matches';
import { Preferences } from '../../settings/preferences';
import { Notice } from '../../ui/notice';
import { Format } from '../../words/format';
import { wirePresences } from '../../words/presence';
import { FleetQuery } from '../query';
import { CellTip, Lens, SeenCell } from './cell-tip';
import { Room, fit, leastNameWidth } from './fit';
import { Painter, Scene, shownIndex } from './painter';
import { readPalette } from './palette';
import { makeSprites, wordOf } from './sprites';
import { Step } from './strips';

const mostNames = 400; // on screen at once
const lensBelow = 6; // CSS pixels of a cell under which a magnifier helps
const largeFrom = 900; // CSS pixels of a wall's width
const tipWidth = 300;
const tipHeight = 122;

const steps: Record<string, Step> = {
  ArrowUp: 'up',
  ArrowDown: 'down',
  ArrowLeft: 'left',
  ArrowRight: 'right',
  Home: 'start',
  End: 'end',
  PageUp: 'previous',
  PageDown: 'next',
};

/** A customer's name above its cells, in CSS pixels. */
interface Name {
  key: number;
  text: string;
  customer: GridGroup;
  x: number;
  y: number;
  width: number;
}

/** Every vehicle, a cell each, by customer. Those that the query does not find are dimmed. */
@Component({
  selector: 'fb-vehicle-grid',
  imports: [CellTip, Notice],
  providers: [GridCells, GridMatches],
  templateUrl: './vehicle-grid.html',
  styleUrl: './vehicle-grid.scss',
})
export class VehicleGrid {
  protected readonly cells = inject(GridCells);
  private readonly matches = inject(GridMatches);
  private readonly format = inject(Format);
  private readonly preferences = inject(Preferences);
  private readonly router = inject(Router);
  private readonly roomElement = viewChild.required<ElementRef<HTMLElement>>('room');
  private readonly canvas = viewChild.required<ElementRef<HTMLCanvasElement>>('canvas');

  /** Its customers alone are shown; what is not of its presences, or does not match its text and tags, is dimmed. */
  readonly query = input.required<FleetQuery>();
  /** Whether all must be in sight without scrolling. */
  readonly whole = input(false);
  readonly customerChosen = output<GridGroup>();

  private readonly size = signal({ width: 0, height: 0, scale: 1 }); // in device pixels
  private readonly top = signal(0); // of what is in sight, in CSS pixels
  private readonly themes = signal(0); // how often the colours may have changed
  private painter: Painter | undefined;
  private frame = 0;

  /** The cell under the pointer or the keyboard; -1 for none. */
  protected readonly current = signal(-1);
  private readonly updates = signal(0); // how often a cell changed that somebody looks at

  /** Whether names are to be read from afar. */
  protected readonly large = computed(
    () => this.whole() && this.size().width >= largeFrom * this.size().scale,
  );
  protected readonly nameHeight = computed(() => (this.large() ? 24 : 17)); // CSS pixels
  private readonly groups = computed(() => {
    const chosen = this.query().customers;
    const all = this.cells.groups();
    return chosen.length === 0 ? all : all.filter((group) => chosen.includes(group.customer_id));
  });
  private readonly strips = computed(() => {
    const room: Room = { ...this.size(), whole: this.whole(), nameHeight: this.nameHeight() };
    return fit(room.width > 0 ? this.groups() : [], room);
  });
  private readonly scene = computed<Scene | undefined>(() => {
    const presences = this.cells.presences();
    if (!presences) return undefined;
    const shown = this.query().presences;
    const found = this.matches.found();
    return {
      strips: this.strips(),
      presences,
      sprites: this.sprites(),
      ground: wordOf(this.palette().ground),
      dimmed: Uint8Array.from(wirePresences, (one) => (shown.length > 0 && !shown.includes(one) ? 1 : 0)),
      matches: found?.epoch === this.cells.epoch() ? found?.bits : undefined,
    };
  });
  private readonly palette = computed(() => {
    this.themes();
    this.preferences.theme();
    return readPalette(this.roomElement().nativeElement);
  });
  private readonly sprites = computed(() => makeSprites(this.strips().shape.pitch, this.palette()));

  protected readonly height = computed(() => this.strips().height / this.size().scale);
  protected readonly label = computed(() => {
    if (!this.cells.presences()) return $localize`The grid of vehicles, which is not there yet`;
    const vehicles = this.groups().reduce((sum, group) => sum + group.vehicles, 0);
    return $localize`${this.format.count(vehicles)}:count: vehicles, a cell each, by customer`;
  });
  protected readonly names = computed<Name[]>(() => {
    const { strips, size, top } = { strips: this.strips(), size: this.size(), top: this.top() };
    if (!strips.shape.named) return [];
    const first = Math.floor((top * size.scale) / strips.bandHeight);
    const last = Math.ceil((top * size.scale + size.height) / strips.bandHeight);
    const groups = this.groups();
    return strips
      .pieces(first, last)
      .filter((piece) => piece.width >= leastNameWidth * (this.large() ? 2 : 1) * size.scale)
      .sort((a, b) => b.width - a.width) // when not all have room, the large ones have names
      .slice(0, mostNames)
      .map((piece, key) => ({
        key,
        text: groups[piece.group]?.customer_name ?? '',
        customer: groups[piece.group] as GridGroup,
        x: piece.x / size.scale,
        y: piece.y / size.scale,
        width: (piece.width - strips.shape.gap) / size.scale,
      }));
  });
  protected readonly marker = computed(() => {
    const place = this.strips().placeOf(this.current());
    const { scale } = this.size();
    const pitch = this.strips().shape.pitch / scale;
    return place && { x: place.x / scale, y: place.y / scale, size: pitch < 4 ? pitch : pitch - 1 };
  });
  protected readonly seen = computed<SeenCell | undefined>(() => {
    this.updates();
    const [index, scene, epoch] = [this.current(), this.scene(), this.cells.epoch()];
    if (index < 0 || !scene || epoch === undefined) return undefined;
    const group = scene.strips.groupOf(index);
    const customer = this.groups()[group];
    if (!customer) return undefined;
    const { share } = scene.strips.shape;
    const shown = shownIndex(scene, group, Math.floor((index - customer.start) / share));
    const presence = wirePresences[scene.presences[shown] ?? 0] ?? 'unknown';
    return { index: shown, epoch, presence, customer: customer.customer_name, share };
  });
  protected readonly tip = computed(() => {
    const [marker, { width, height, scale }] = [this.marker(), this.size()];
    if (!marker) return { x: 0, y: 0 };
    const y = marker.y - this.top();
    const below = y + marker.size + 10;
    return {
      x: Math.max(0, Math.min(marker.x + 14, width / scale - tipWidth)),
      y: below + tipHeight <= height / scale ? below : Math.max(0, y - tipHeight - 10),
    };
  });
  protected readonly lens = computed<Lens | undefined>(() => {
    const [marker, { scale }] = [this.marker(), this.size()];
    const pitch = this.strips().shape.pitch;
    if (!marker || pitch >= lensBelow * scale) return undefined;
    const middle = Math.floor(pitch / 2);
    return {
      canvas: this.canvas().nativeElement,
      x: Math.round(marker.x * scale) + middle,
      y: Math.round((marker.y - this.top()) * scale) + middle,
    };
  });

  constructor() {
    const destroy = inject(DestroyRef);
    effect(() => {
      const { text, tags, at } = this.query();
      this.matches.search({ text, tags, at });
      untracked(() => this.cells.show(at));
    });
    effect(() => {
      const [scene, size, top] = [this.scene(), this.size(), this.top()];
      untracked(() => this.draw(scene, size, top));
    });
    destroy.onDestroy(this.cells.onChange((changed) => this.change(changed)));
    destroy.onDestroy(() => cancelAnimationFrame(this.frame));
    const dark = matchMedia('(prefers-color-scheme: dark)');
    const themed = () => this.themes.update((n) => n + 1);
    dark.addEventListener('change', themed);
    destroy.onDestroy(() => dark.removeEventListener('change', themed));
    afterNextRender(() => {
      const measuring = new ResizeObserver(() => this.measure());
      measuring.observe(this.roomElement().nativeElement);
      destroy.onDestroy(() => measuring.disconnect());
    });
  }

  protected scrolled(): void {
    this.top.set(this.roomElement().nativeElement.scrollTop);
  }

  protected point(event: PointerEvent): void {
    this.current.set(this.cellAt(event));
  }

  protected async chosen(event: MouseEvent): Promise<void> {
    this.current.set(this.cellAt(event));
    await this.open();
  }

  protected focused(): void {
    const first = this.groups()[0];
    const keyboard = this.roomElement().nativeElement.matches(':focus-visible');
    if (keyboard && this.current() < 0 && first) this.current.set(first.start);
  }

  protected key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const step = steps[event.key];
    if (step) {
      event.preventDefault();
      const first = this.groups()[0]?.start ?? -1;
      this.current.update((index) => (index < 0 ? first : this.strips().step(index, step)));
      this.reveal();
    } else if (event.key === 'Enter') {
      event.preventDefault();
      void this.open();
    } else if (event.key === 'Escape' && this.current() >= 0) {
      event.stopPropagation();
      this.current.set(-1);
    }
  }

  private async open(): Promise<void> {
    const cell = this.seen();
    if (!cell) return;
    const vehicle = await this.cells.vehicleAt(cell.index, cell.epoch);
    if (vehicle) await this.router.navigate(['/vehicles', vehicle.vin]);
  }

  private cellAt(event: MouseEvent): number {
    const box = this.canvas().nativeElement.getBoundingClientRect();
    const { scale } = this.size();
    const x = Math.floor((event.clientX - box.left) * scale);
    const y = Math.floor((event.clientY - box.top + this.top()) * scale);
    return this.strips().at(x, y);
  }

  // Brings the current cell into sight.
  private reveal(): void {
    const marker = this.marker();
    const room = this.roomElement().nativeElement;
    if (!marker || this.whole()) return;
    const margin = 24;
    if (marker.y - margin < room.scrollTop) room.scrollTop = marker.y - margin;
    const end = marker.y + marker.size + margin;
    if (end > room.scrollTop + room.clientHeight) room.scrollTop = end - room.clientHeight;
  }

  private measure(): void {
    const { clientWidth, clientHeight } = this.roomElement().nativeElement;
    const scale = devicePixelRatio;
    this.size.set({
      width: Math.floor(clientWidth * scale),
      height: Math.floor(clientHeight * scale),
      scale,
    });
  }

  private draw(
    scene: Scene | undefined,
    size: { width: number; height: number; scale: number },
    top: number,
  ) {
    if (!scene || size.width === 0 || size.height === 0) return;
    const canvas = this.canvas().nativeElement;
    this.painter ??= new Painter(canvas);
    this.painter.resize(size.width, size.height);
    canvas.style.width = `${size.width / size.scale}px`;
    canvas.style.height = `${size.height / size.scale}px`;
    this.painter.draw(scene, Math.round(top * size.scale));
  }

  // Cells are stamped as they come and shown with the next frame, however many come until then.
  private change(changed: Uint32Array): void {
    this.painter?.change(changed);
    if (this.current() >= 0) this.updates.update((n) => n + 1);
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.painter?.flush();
    });
  }
}
