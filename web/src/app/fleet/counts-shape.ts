import { Sample } from '../live/counts-history';
import { Span } from '../ui/strip-pieces';

const width = 200;
const height = 40;

/** The box in which shapes are drawn, as an SVG says it. */
export const shapeBox = `0 0 ${width} ${height}`;

/** How many vehicles were not there as they should be. */
export function missing({ counts }: Sample): number {
  return counts.late + counts.offline;
}

/**
 * The areas under the counts of offline vehicles, and of late ones on top of them, over a time; the samples lie in it, oldest
 * first.
 */
export function shapeOf(samples: readonly Sample[], time: Span): { late: string; offline: string } {
  const most = Math.max(1, ...samples.map(missing));
  const x = (at: number) => ((width * (at - time.from)) / (time.to - time.from)).toFixed(1);
  const area = (value: (sample: Sample) => number) => {
    const [first, last] = [samples[0], samples.at(-1)];
    if (!first || !last) return '';
    const points = samples.map(
      (sample) => `${x(sample.at)} ${(height - (height * value(sample)) / most).toFixed(1)}`,
    );
    return `M${x(first.at)} ${height}L${points.join('L')}L${x(last.at)} ${height}Z`;
  };
  return { late: area(missing), offline: area(({ counts }) => counts.offline) };
}
