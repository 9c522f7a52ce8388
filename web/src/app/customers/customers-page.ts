import { Component } from '@angular/core';

@Component({ selector: 'fb-customers-page', template: '' })
export class CustomersPage {}
