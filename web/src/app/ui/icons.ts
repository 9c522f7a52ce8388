import { EnvironmentProviders, inject, provideEnvironmentInitializer } from '@angular/core';
import { MatIconRegistry } from '@angular/material/icon';
import { DomSanitizer } from '@angular/platform-browser';
import add from '@material-symbols/svg-400/outlined/add.svg';
import api from '@material-symbols/svg-400/outlined/api.svg';
import back from '@material-symbols/svg-400/outlined/arrow_back.svg';
import bookmark from '@material-symbols/svg-400/outlined/bookmark.svg';
import both from '@material-symbols/svg-400/outlined/splitscreen.svg';
import car from '@material-symbols/svg-400/outlined/directions_car.svg';
import check from '@material-symbols/svg-400/outlined/check.svg';
import close from '@material-symbols/svg-400/outlined/close.svg';
import columns from '@material-symbols/svg-400/outlined/view_column.svg';
import customers from '@material-symbols/svg-400/outlined/domain.svg';
import remove from '@material-symbols/svg-400/outlined/delete.svg';
import download from '@material-symbols/svg-400/outlined/download.svg';
import down from '@material-symbols/svg-400/outlined/arrow_downward.svg';
import copy from '@material-symbols/svg-400/outlined/content_copy.svg';
import edit from '@material-symbols/svg-400/outlined/edit.svg';
import fleet from '@material-symbols/svg-400/outlined/grid_on.svg';
import fullscreen from '@material-symbols/svg-400/outlined/fullscreen.svg';
import activity from '@material-symbols/svg-400/outlined/timeline.svg';
import history from '@material-symbols/svg-400/outlined/history.svg';
import label from '@material-symbols/svg-400/outlined/label.svg';
import more from '@material-symbols/svg-400/outlined/more_vert.svg';
import pause from '@material-symbols/svg-400/outlined/pause.svg';
import play from '@material-symbols/svg-400/outlined/play_arrow.svg';
import refresh from '@material-symbols/svg-400/outlined/refresh.svg';
import registry from '@material-symbols/svg-400/outlined/app_registration.svg';
import search from '@material-symbols/svg-400/outlined/search.svg';
import settings from '@material-symbols/svg-400/outlined/tune.svg';
import status from '@material-symbols/svg-400/outlined/monitor_heart.svg';
import table from '@material-symbols/svg-400/outlined/table_rows.svg';
import up from '@material-symbols/svg-400/outlined/arrow_upward.svg';
import upload from '@material-symbols/svg-400/outlined/upload.svg';

const icons = {
  activity,
  add,
  api,
  back,
  bookmark,
  both,
  car,
  check,
  close,
  columns,
  copy,
  customers,
  down,
  download,
  edit,
  fleet,
  fullscreen,
  history,
  label,
  more,
  pause,
  play,
  refresh,
  registry,
  remove,
  search,
  settings,
  status,
  table,
  up,
  upload,
};

/** The icons for `<mat-icon svgIcon="...">`, taken from a package, so that the page fetches none. */
export function provideIcons(): EnvironmentProviders {
  return provideEnvironmentInitializer(() => {
    const registry = inject(MatIconRegistry);
    const sanitizer = inject(DomSanitizer);
    for (const [name, svg] of Object.entries(icons)) {
      registry.addSvgIconLiteral(name, sanitizer.bypassSecurityTrustHtml(svg));
    }
  });
}
