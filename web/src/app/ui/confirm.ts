import { Component, Injectable, computed, inject, signal } from '@angular/core';
import { MatButton } from '@angular/material/button';
import {
  MAT_DIALOG_DATA,
  MatDialog,
  MatDialogActions,
  MatDialogClose,
  MatDialogContent,
  MatDialogRef,
  MatDialogTitle,
} from '@angular/material/dialog';
import { MatFormField, MatLabel } from '@angular/material/form-field';
import { MatInput } from '@angular/material/input';
import { firstValueFrom } from 'rxjs';

/** A question before something that cannot be undone. */
export interface Question {
  title: string;
  /** What it touches, in clear words. */
  text: string;
  /** The button that does it, as a verb. */
  act: string;
  /** A name that has to be typed before it can be done, when much is lost by it. */
  name?: string;
}

@Component({
  selector: 'fb-confirm',
  imports: [
    MatButton,
    MatDialogActions,
    MatDialogClose,
    MatDialogContent,
    MatDialogTitle,
    MatFormField,
    MatInput,
    MatLabel,
  ],
  template: `
    <h2 mat-dialog-title>{{ question.title }}</h2>
    <mat-dialog-content>
      <p>{{ question.text }}</p>
      @if (question.name) {
        <p i18n>
          To be sure, type <strong>{{ question.name }}</strong>
        </p>
        <mat-form-field>
          <mat-label i18n>Name</mat-label>
          <input
            #field
            matInput
            autocomplete="off"
            spellcheck="false"
            (input)="typed.set(field.value)"
            (keydown.enter)="sure() && dialog.close(true)"
          />
        </mat-form-field>
      }
    </mat-dialog-content>
    <mat-dialog-actions align="end">
      <button matButton type="button" [mat-dialog-close]="false" i18n>Cancel</button>
      <button matButton="filled" type="button" [mat-dialog-close]="true" [disabled]="!sure()">
        {{ question.act }}
      </button>
    </mat-dialog-actions>
  `,
  styles: `
    p {
      margin: 0 0 12px;
    }
    p:last-child {
      margin: 0;
    }
    mat-form-field {
      width: 100%;
    }
  `,
})
class ConfirmDialog {
  protected readonly question = inject<Question>(MAT_DIALOG_DATA);
  protected readonly dialog = inject<MatDialogRef<ConfirmDialog, boolean>>(MatDialogRef);
  protected readonly typed = signal('');
  protected readonly sure = computed(() => {
    const { name } = this.question;
    return name === undefined || same(this.typed(), name);
  });
}

// Keyboards write accents in one character or in two.
function same(a: string, b: string): boolean {
  return a.trim().normalize('NFC') === b.trim().normalize('NFC');
}

/** Asks before something that cannot be undone. */
@Injectable({ providedIn: 'root' })
export class Confirm {
  private readonly dialog = inject(MatDialog);

  /** True when the answer is yes. */
  async ask(question: Question): Promise<boolean> {
    const dialog = this.dialog.open<ConfirmDialog, Question, boolean>(ConfirmDialog, {
      data: question,
      autoFocus: 'first-tabbable',
      maxWidth: 480,
    });
    return (await firstValueFrom(dialog.afterClosed())) ?? false;
  }
}
