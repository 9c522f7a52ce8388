import { DestroyRef, Directive, ElementRef, inject, output } from '@angular/core';

/** Tells when its element comes into view and goes out of it. Where a browser cannot tell, it is in view. */
@Directive({ selector: '[fbInView]' })
export class InView {
  readonly fbInView = output<boolean>();

  constructor() {
    if (typeof IntersectionObserver === 'undefined') {
      queueMicrotask(() => this.fbInView.emit(true));
      return;
    }
    const observer = new IntersectionObserver(
      (entries) => this.fbInView.emit(entries.at(-1)?.isIntersecting ?? false),
      { rootMargin: '200px' },
    );
    observer.observe(inject<ElementRef<Element>>(ElementRef).nativeElement);
    inject(DestroyRef).onDestroy(() => observer.disconnect());
  }
}
