import { Uptime } from '../../api/shapes';
import { stack } from './stack';

const item: Uptime = {
  from: '2026-11-25T10:00:00.000Z',
  to: '2026-11-25T11:00:00.000Z',
  connected: 0,
  disconnected: 0,
  unobserved: 0,
  paused: 0,
  out_of_coverage: 0,
  outages: 0,
  availability: null,
};

describe('the stacked bars of uptime', () => {
  it('reach one above the other, up to the whole', () => {
    expect(stack([{ ...item, connected: 30, disconnected: 10, unobserved: 5, paused: 5 }])).toEqual({
      connected: [60],
      disconnected: [80],
      unobserved: [90],
      paused: [100],
    });
  });

  it('are none where there was no time', () => {
    expect(stack([item, { ...item, paused: 1 }])).toEqual({
      connected: [null, 0],
      disconnected: [null, 0],
      unobserved: [null, 0],
      paused: [null, 100],
    });
  });
});
