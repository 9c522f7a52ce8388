/** Languages the page speaks. */
export type Language = 'en' | 'sv';

export const languageKey = 'fleetbeat.language';

/** The language that was chosen here, else the browser's if the page speaks it, else English. */
export function chosenLanguage(): Language {
  const chosen = stored() ?? navigator.languages.find((tag) => /^(en|sv)\b/i.test(tag));
  return chosen?.toLowerCase().startsWith('sv') ? 'sv' : 'en';
}

function stored(): string | null {
  try {
    return localStorage.getItem(languageKey);
  } catch {
    return null; // a browser that keeps nothing
  }
}
