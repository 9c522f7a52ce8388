import { loadTranslations } from '@angular/localize';

import { chosenLanguage } from './app/settings/language';

// Texts are looked up when the code that has them is read, so the translation comes before all other code.
async function main() {
  const language = chosenLanguage();
  document.documentElement.lang = language;
  if (language === 'sv') {
    const { default: messages } = await import('./locale/messages.sv.json');
    loadTranslations(messages.translations);
  }
  const { start } = await import('./app/start');
  await start(language);
}

void main();
