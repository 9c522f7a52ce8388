/** The key of an event as a shortcut, such as `e`; empty when it is typed into something, held with others, or repeats. */
export function shortcutOf(event: KeyboardEvent): string {
  if (event.defaultPrevented || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return '';
  const target = event.target;
  if (target instanceof HTMLElement) {
    if (target.isContentEditable || target.closest('input, textarea, select, [role="dialog"], [role="menu"]'))
      return '';
  }
  return event.key.length === 1 ? event.key.toLowerCase() : event.key;
}
