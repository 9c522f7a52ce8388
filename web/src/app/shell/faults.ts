import { ErrorHandler, Injector, inject } from '@angular/core';
import { MatSnackBar } from '@angular/material/snack-bar';

/** Tells of errors that no screen expected, such as a part of the page that cannot be fetched: nothing fails in silence. */
export class Faults extends ErrorHandler {
  private readonly injector = inject(Injector);

  override handleError(error: unknown): void {
    super.handleError(error);
    const text = /dynamically imported|importing a module/i.test(String(error))
      ? $localize`This part of the page cannot be fetched: the server cannot be reached, or is a newer one`
      : $localize`Something went wrong in this page`;
    // Asked for late: it needs the error handler itself.
    const said = this.injector.get(MatSnackBar).open(text, $localize`Reload`, { duration: 10_000 });
    said.onAction().subscribe(() => location.reload());
  }
}
