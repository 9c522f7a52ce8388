import { Resource, Signal, linkedSignal } from '@angular/core';

/** What a resource found last: it stays while the resource loads anew, and when that fails. */
export function kept<T>(resource: Resource<T | undefined>): Signal<T | undefined> {
  return linkedSignal<T | undefined, T | undefined>({
    source: () => (resource.hasValue() ? resource.value() : undefined),
    computation: (found, before) => found ?? before?.value,
  });
}
