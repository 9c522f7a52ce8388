import { Component, inject } from '@angular/core';
import { MatButton } from '@angular/material/button';
import { Router, RouterLink } from '@angular/router';

/** What an address that leads nowhere shows. */
@Component({
  selector: 'fb-nowhere',
  imports: [MatButton, RouterLink],
  template: `
    <div class="fb-page">
      <section class="fb-card">
        <h1 i18n>There is nothing at this address</h1>
        <p class="fb-soft">
          <code>{{ address }}</code>
        </p>
        <p class="fb-soft" i18n>
          A vehicle is at /vehicles/ and its VIN, a customer at /customers/ and its id. Perhaps the address
          was cut off on its way here.
        </p>
        <a matButton="filled" routerLink="/" i18n>To the fleet</a>
      </section>
    </div>
  `,
  styles: `
    section {
      display: flex;
      flex-direction: column;
      align-items: center;
      gap: 8px;
      padding-block: 56px;
      text-align: center;
    }
    p {
      max-width: 36em;
      margin: 0;
      overflow-wrap: anywhere;
      text-wrap: pretty;
    }
    code {
      font-family: ui-monospace, monospace;
    }
    a {
      margin-top: 8px;
    }
  `,
})
export class Nowhere {
  protected readonly address = inject(Router).url;
}
