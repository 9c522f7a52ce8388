import { Component } from '@angular/core';

@Component({ selector: 'fb-activity-page', template: '' })
export class ActivityPage {}
