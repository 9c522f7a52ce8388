import { Component } from '@angular/core';

@Component({ selector: 'fb-fleet-page', template: '' })
export class FleetPage {}
