import { Injectable, LOCALE_ID, WritableSignal, computed, effect, inject, signal } from '@angular/core';

import { Language, languageKey } from './language';

export type Theme = 'system' | 'light' | 'dark';
export type Density = 'comfortable' | 'compact';

/** What the person at this browser likes. It is kept in the browser, never sent. */
@Injectable({ providedIn: 'root' })
export class Preferences {
  readonly theme = stored<Theme>('fleetbeat.theme', 'system');
  readonly density = stored<Density>('fleetbeat.density', 'comfortable');
  /** Whether times are shown in UTC, else in the browser's zone. */
  readonly utc = stored<boolean>('fleetbeat.utc', false);
  /** Changing the language takes a reload: texts are chosen when code is read. */
  readonly language = inject(LOCALE_ID) as Language;

  constructor() {
    const root = document.documentElement;
    effect(() => {
      root.style.colorScheme = this.theme() === 'system' ? 'light dark' : this.theme();
      root.classList.toggle('compact', this.density() === 'compact');
    });
  }

  /** The time zone of shown times, as an IANA name. */
  readonly zone = computed(() => (this.utc() ? 'UTC' : Intl.DateTimeFormat().resolvedOptions().timeZone));

  speak(language: Language): void {
    keep(languageKey, language);
    location.reload();
  }
}

/** A signal whose value is kept in the browser under a key. */
export function stored<T>(key: string, initial: T): WritableSignal<T> {
  const value = signal(read(key, initial));
  const set = value.set.bind(value);
  value.set = (next) => {
    set(next);
    keep(key, JSON.stringify(next));
  };
  value.update = (change) => value.set(change(value()));
  return value;
}

function read<T>(key: string, initial: T): T {
  try {
    const text = localStorage.getItem(key);
    return text === null ? initial : (JSON.parse(text) as T);
  } catch {
    return initial;
  }
}

function keep(key: string, text: string): void {
  try {
    localStorage.setItem(key, text);
  } catch {
    // A browser that keeps nothing: the choice holds until the page is left.
  }
}
