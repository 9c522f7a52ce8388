import { TestBed } from '@angular/core/testing';

import { Vehicle } from '../api/shapes';
import { provideIcons } from './icons';
import { VehicleForm } from './vehicle-form';

const vehicle: Vehicle = {
  vin: 'YS2R4X20005399401',
  registration_number: 'ABC123',
  customer_id: 'kalles',
  customer_name: 'Kalles Grustransporter AB',
  tags: ['timber'],
  presence: 'online',
  since: '2026-11-25T07:00:00Z',
  last_heartbeat_at: '2026-11-25T07:00:00Z',
  last_sent_at: null,
  last_sequence: 7,
  heartbeats: 7,
  policy: { late_after: 90, offline_after: 150 },
  own_policy: null,
  paused: false,
};
const customer = { id: 'kalles', name: 'Kalles Grustransporter AB' };

interface Sent {
  method: string;
  path: string;
  body: unknown;
}

let sent: Sent[];
let refusal: { status: number; errors: { message: string; location: string }[] } | undefined;

function json(body: unknown, status = 200): Response {
  return new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json' } });
}

function answer(url: string, init: RequestInit = {}): Response {
  const method = init.method ?? 'GET';
  const path = new URL(url, 'http://fleet').pathname;
  if (method === 'GET' && path === '/v1/policy') return json({ late_after: 90, offline_after: 150 });
  if (method === 'GET' && path === '/v1/customers/kalles') return json(customer);
  if (method === 'GET' && path === '/v1/customers')
    return json({ items: [customer], total: 1, next_cursor: null });
  sent.push({ method, path, body: JSON.parse(String(init.body)) });
  return refusal ? json(refusal, refusal.status) : json(vehicle, 201);
}

function field(label: string): HTMLInputElement {
  const labels = [...document.querySelectorAll('label')];
  const found = labels.find((each) => each.textContent?.includes(label));
  const id = found?.getAttribute('for');
  const input = id ? document.getElementById(id) : document.querySelector(`input[aria-label="${label}"]`);
  if (!(input instanceof HTMLInputElement)) throw new Error(`no field "${label}"`);
  return input;
}

function type(label: string, text: string): void {
  const input = field(label);
  input.focus();
  input.value = text;
  input.dispatchEvent(new Event('input', { bubbles: true }));
}

function press(name: string): void {
  const buttons = [...document.querySelectorAll('button')];
  const found = buttons.find((each) => each.textContent?.trim() === name);
  if (!found) throw new Error(`no button "${name}"`);
  found.click();
}

function text(): string {
  return document.querySelector('mat-dialog-container')?.textContent ?? '';
}

async function shown(condition: () => unknown): Promise<void> {
  await vi.waitFor(() => {
    if (!condition()) throw new Error(`not shown: ${text()}`);
  }, 4000);
}

describe('the form of a vehicle', () => {
  beforeAll(() => import('./vehicle-form-dialog')); // so that no test waits for its code
  beforeEach(() => {
    TestBed.configureTestingModule({ providers: [provideIcons()] });
    sent = [];
    refusal = undefined;
    vi.stubGlobal('fetch', (url: string, init?: RequestInit) => Promise.resolve(answer(url, init)));
  });
  afterEach(() => vi.unstubAllGlobals());

  it('adds a vehicle with the customer that was known before', async () => {
    const added = TestBed.inject(VehicleForm).create({ vin: 'TRAILER-7', customerId: 'kalles' });
    await shown(() => field('Customer').value === customer.name);
    type('Registration number', ' XYZ 789 ');
    type('New tag', 'winter, timber');
    field('New tag').dispatchEvent(new Event('blur'));
    press('Add');
    expect(await added).toEqual(vehicle);
    expect(sent).toEqual([
      {
        method: 'POST',
        path: '/v1/vehicles',
        body: {
          vin: 'TRAILER-7',
          registration_number: 'XYZ 789',
          customer_id: 'kalles',
          tags: ['winter', 'timber'],
          paused: false,
          own_policy: null,
        },
      },
    ]);
  });

  it('sends nothing while something needed is missing', async () => {
    void TestBed.inject(VehicleForm).create();
    await shown(() => text().includes('Add a vehicle'));
    press('Add');
    await shown(() => text().includes('Needed'));
    expect(sent).toEqual([]);
  });

  it('shows what the server refuses at its fields, and asks again when told to', async () => {
    refusal = { status: 422, errors: [{ message: 'has the letter I', location: 'body.vin' }] };
    const added = TestBed.inject(VehicleForm).create({ vin: 'YS2R4X2000542234I', customerId: 'kalles' });
    await shown(() => field('Customer').value === customer.name);
    press('Add');
    await shown(() => text().includes('has the letter I'));
    expect(field('VIN').getAttribute('aria-invalid')).toBe('true');
    refusal = undefined;
    press('Add');
    expect(await added).toEqual(vehicle);
  });

  it('says of a VIN that is taken that it is', async () => {
    refusal = { status: 409, errors: [] };
    void TestBed.inject(VehicleForm).create({ vin: vehicle.vin, customerId: 'kalles' });
    await shown(() => field('Customer').value === customer.name);
    press('Add');
    await shown(() => text().includes('This vehicle is registered already'));
  });

  it('changes only what was changed', async () => {
    const changed = TestBed.inject(VehicleForm).edit(vehicle);
    await shown(() => text().includes(`Change ${vehicle.vin}`));
    type('Registration number', 'NEW 1');
    press('Save');
    await changed;
    expect(sent).toEqual([
      { method: 'PATCH', path: `/v1/vehicles/${vehicle.vin}`, body: { registration_number: 'NEW 1' } },
    ]);
  });

  it('begins a policy of its own with the one in force, and refuses one that is offline before it is late', async () => {
    const changed = TestBed.inject(VehicleForm).edit(vehicle);
    await shown(() => field('A policy of its own'));
    field('A policy of its own').click();
    await shown(() => field('Late after').value === '90');
    type('Late after', '200');
    press('Save');
    await shown(() => text().includes('Not before late after'));
    type('Offline after', '300');
    press('Save');
    await changed;
    expect(sent[0]?.body).toEqual({ own_policy: { late_after: 200, offline_after: 300 } });
  });

  it('asks before it drops what was typed', async () => {
    const changed = TestBed.inject(VehicleForm).edit(vehicle);
    await shown(() => text().includes('Change'));
    type('Registration number', 'NEW 1');
    press('Cancel');
    await vi.waitFor(() => press('Leave'));
    expect(await changed).toBeUndefined();
    expect(sent).toEqual([]);
  });
});
