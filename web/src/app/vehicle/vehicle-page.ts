import { Component } from '@angular/core';

@Component({ selector: 'fb-vehicle-page', template: '' })
export class VehiclePage {}
