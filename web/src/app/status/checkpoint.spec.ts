import { checkpointOf } from './checkpoint';

describe('a signed checkpoint', () => {
  it('tells the size and the root of the tree', () => {
    const note =
      'fleetbeat-607d84291c8fc4f7\n157553\n5V/63pRoPoIPxVDL7xg41j9nL/rj/bOFuZQSNrnb8BM=\n\n— fleetbeat x\n';
    expect(checkpointOf(note)).toEqual({
      size: 157553,
      root: '5V/63pRoPoIPxVDL7xg41j9nL/rj/bOFuZQSNrnb8BM=',
    });
  });

  it('is none when it is not like that', () => {
    expect(checkpointOf('')).toBeUndefined();
    expect(checkpointOf('origin\nmany\nroot\n')).toBeUndefined();
  });
});
