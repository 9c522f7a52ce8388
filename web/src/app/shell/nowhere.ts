import { Component } from '@angular/core';
import { MatButton } from '@angular/material/button';
import { RouterLink } from '@angular/router';

import { Empty } from '../ui/empty';

/** What an address that leads nowhere shows. */
@Component({
  selector: 'fb-nowhere',
  imports: [Empty, MatButton, RouterLink],
  template: `
    <fb-empty title="There is nothing at this address" i18n-title>
      <a matButton="outlined" routerLink="/" i18n>To the fleet</a>
    </fb-empty>
  `,
})
export class Nowhere {}
