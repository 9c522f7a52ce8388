import { ErrorHandler, LOCALE_ID, provideBrowserGlobalErrorListeners } from '@angular/core';
import { MAT_FORM_FIELD_DEFAULT_OPTIONS } from '@angular/material/form-field';
import { bootstrapApplication } from '@angular/platform-browser';
import {
  provideRouter,
  withComponentInputBinding,
  withInMemoryScrolling,
  withPreloading,
} from '@angular/router';

import { routes } from './routes';
import { Language } from './settings/language';
import { Faults } from './shell/faults';
import { Preload } from './shell/preload';
import { Shell } from './shell/shell';
import { provideIcons } from './ui/icons';

/** Starts the page in a language whose texts are loaded. */
export async function start(language: Language): Promise<void> {
  await bootstrapApplication(Shell, {
    providers: [
      provideBrowserGlobalErrorListeners(),
      provideRouter(
        routes,
        withComponentInputBinding(),
        withInMemoryScrolling({ scrollPositionRestoration: 'enabled', anchorScrolling: 'enabled' }),
        withPreloading(Preload),
      ),
      provideIcons(),
      { provide: ErrorHandler, useClass: Faults },
      { provide: LOCALE_ID, useValue: language },
      {
        provide: MAT_FORM_FIELD_DEFAULT_OPTIONS,
        useValue: { appearance: 'outline', subscriptSizing: 'dynamic' },
      },
    ],
  });
}
