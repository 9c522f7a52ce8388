import { Component } from '@angular/core';

@Component({ selector: 'fb-registry-page', template: '' })
export class RegistryPage {}
