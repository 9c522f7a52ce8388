import { components } from './schema';

// The shapes of the API under their own names. They are generated from the server's own description (make generate).
type Shapes = components['schemas'];

export type Backtest = Shapes['Backtest'];
export type BacktestOutages = Shapes['BacktestOutages'];
export type BacktestSide = Shapes['BacktestSide'];
export type Counts = Shapes['Counts'];
export type Customer = Shapes['Customer'];
export type CustomerPage = Shapes['CustomerPage'];
export type CustomerPatch = Shapes['CustomerPatch'];
export type Gap = Shapes['Gap'];
export type GridGroup = Shapes['GridGroup'];
export type GridGroups = Shapes['GridGroups'];
export type GridUpdate = Shapes['GridUpdate'];
export type GridVehicles = Shapes['GridVehicles'];
export type Hello = Shapes['Hello'];
export type ImportResult = Shapes['ImportResult'];
export type LineError = Shapes['LineError'];
export type LiveTransitions = Shapes['LiveTransitions'];
export type NewCustomer = Shapes['NewCustomer'];
export type NewVehicle = Shapes['NewVehicle'];
export type Observer = Shapes['Observer'];
export type Policy = Shapes['Policy'];
export type Presence = Shapes['Vehicle']['presence'];
export type Resync = Shapes['Resync'];
export type Series = Shapes['Series'];
export type Storage = Shapes['Storage'];
export type StoredPart = Shapes['StoredPart'];
export type Summary = Shapes['Summary'];
export type Transition = Shapes['Transition'];
export type TransitionPage = Shapes['TransitionPage'];
export type Unregistered = Shapes['Unregistered'];
export type UnregisteredPage = Shapes['UnregisteredPage'];
export type Vehicle = Shapes['Vehicle'];
export type VehiclePage = Shapes['VehiclePage'];
export type VehiclePatch = Shapes['VehiclePatch'];
