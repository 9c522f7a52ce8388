import { Routes } from '@angular/router';

const name = 'Fleetbeat';

export const routes: Routes = [
  {
    path: '',
    pathMatch: 'full',
    title: name,
    loadComponent: () => import('./fleet/fleet-page').then((m) => m.FleetPage),
  },
  {
    path: 'vehicles/:vin',
    title: (route) => `${route.params['vin']} · ${name}`,
    loadComponent: () => import('./vehicle/vehicle-page').then((m) => m.VehiclePage),
  },
  {
    path: 'customers',
    title: () => $localize`Customers` + ` · ${name}`,
    loadComponent: () => import('./customers/customers-page').then((m) => m.CustomersPage),
  },
  {
    path: 'customers/:id',
    title: (route) => `${route.params['id']} · ${name}`,
    loadComponent: () => import('./customers/customer-page').then((m) => m.CustomerPage),
  },
  {
    path: 'activity',
    title: () => $localize`Activity` + ` · ${name}`,
    loadComponent: () => import('./activity/activity-page').then((m) => m.ActivityPage),
  },
  {
    path: 'registry',
    title: () => $localize`Registry` + ` · ${name}`,
    loadComponent: () => import('./registry/registry-page').then((m) => m.RegistryPage),
  },
  {
    path: 'status',
    title: () => $localize`Status` + ` · ${name}`,
    loadComponent: () => import('./status/status-page').then((m) => m.StatusPage),
  },
  {
    path: '**',
    title: name,
    loadComponent: () => import('./shell/nowhere').then((m) => m.Nowhere),
  },
];
