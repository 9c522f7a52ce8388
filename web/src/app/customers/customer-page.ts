import { Component } from '@angular/core';

@Component({ selector: 'fb-customer-page', template: '' })
export class CustomerPage {}
