/** A place that the server found fault with. */
export interface Place {
  message: string;
  /** Such as `body.vin` or `query.limit`; empty when it is the whole request. */
  location: string;
}

/** Why a call did not succeed: what the server said, or that it could not be reached (status 0). */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly detail: string,
    readonly places: Place[],
    /** When to try again, in seconds; 0 when the server did not say. */
    readonly retryAfter = 0,
  ) {
    super(detail || `status ${status}`);
  }

  /** What is wrong at a place, such as `body.vin`; empty when nothing is. */
  at(location: string): string {
    return this.places.find((place) => place.location === location)?.message ?? '';
  }
}

/** Reads an RFC 9457 problem; any other answer becomes one with its status alone. */
export async function problemOf(answer: Response): Promise<Problem> {
  const retryAfter = Number(answer.headers.get('Retry-After')) || 0;
  try {
    const said = (await answer.json()) as { detail?: unknown; errors?: unknown };
    return new Problem(
      answer.status,
      typeof said.detail === 'string' ? said.detail : '',
      placesOf(said.errors),
      retryAfter,
    );
  } catch {
    return new Problem(answer.status, '', [], retryAfter);
  }
}

function placesOf(errors: unknown): Place[] {
  if (!Array.isArray(errors)) return [];
  return errors.map((error: { message?: unknown; location?: unknown }) => ({
    message: String(error.message ?? ''),
    location: String(error.location ?? ''),
  }));
}
