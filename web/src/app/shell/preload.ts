import { Injectable } from '@angular/core';
import { PreloadingStrategy, Route } from '@angular/router';
import { EMPTY, Observable, catchError, switchMap, timer } from 'rxjs';

const settled = 5_000; // milliseconds after which the first screen has what it needs

/** Loads the other screens once the first one is there, so that one can go on to them while the server is away. */
@Injectable({ providedIn: 'root' })
export class Preload implements PreloadingStrategy {
  preload(_: Route, load: () => Observable<unknown>): Observable<unknown> {
    return timer(settled).pipe(
      switchMap(load),
      catchError(() => EMPTY), // it is loaded when somebody goes there
    );
  }
}
