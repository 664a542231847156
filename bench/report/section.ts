/** A part of the report: its text, in which FOLDER stands for where the plots are, and its plots by file name. */
export interface Section {
  readonly title: string;
  readonly text: string;
  readonly plots: Readonly<Record<string, string>>;
}
