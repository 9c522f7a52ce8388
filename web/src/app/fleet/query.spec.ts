import { convertToParamMap } from '@angular/router';

import { FleetQuery, isFiltered, readQuery, toggled, writeQuery } from './query';

const everything: FleetQuery = {
  text: '',
  customers: [],
  presences: [],
  tags: [],
  sort: 'vin',
  view: 'both',
  at: '',
};

describe('the query in the address', () => {
  it('is everything when the address says nothing', () => {
    expect(readQuery(convertToParamMap({}))).toEqual(everything);
    expect(isFiltered(everything)).toBe(false);
  });

  it('is the same after it was written and read', () => {
    const queries: Partial<FleetQuery>[] = [
      { text: 'södertälje & co' },
      { customers: ['kalles', 'nord'], presences: ['late', 'offline'] },
      { tags: ['a,b', 'vinter'], sort: '-since', view: 'grid' },
      { sort: 'last_heartbeat_at', view: 'table', presences: ['paused'] },
      { at: '2026-11-24T03:35:00.000Z', text: 'x' },
    ];
    for (const part of queries) {
      const query = { ...everything, ...part };
      const written = Object.fromEntries(
        Object.entries(writeQuery(query)).filter(([, value]) => value !== null),
      );
      expect(readQuery(convertToParamMap(written))).toEqual(query);
    }
  });

  it('leaves no default in the address', () => {
    expect(Object.values(writeQuery(everything)).every((value) => value === null)).toBe(true);
  });

  it('leaves aside what it does not understand', () => {
    const params = convertToParamMap({ presence: ['late,asleep', 'offline'], sort: 'colour', view: 'globe' });
    expect(readQuery(params)).toEqual({ ...everything, presences: ['late', 'offline'] });
  });

  it('counts a view or an order as no filter', () => {
    expect(isFiltered({ ...everything, sort: '-since', view: 'grid' })).toBe(false);
    expect(isFiltered({ ...everything, tags: ['winter'] })).toBe(true);
  });

  it('switches a choice on and off', () => {
    expect(toggled(['late'], 'offline')).toEqual(['late', 'offline']);
    expect(toggled(['late', 'offline'], 'late')).toEqual(['offline']);
  });
});
