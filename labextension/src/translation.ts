/** The part of JupyterLab's translation bundle that words need which no component shows. */
export interface ITranslate {
  __(text: string, ...values: (string | number)[]): string;
}

/** English, for where there is no translator. */
export const english: ITranslate = {
  __: (text, ...values) =>
    text.replace(/%(\d+)/g, (placeholder, number: string) => {
      const value = values[Number(number) - 1];
      return value === undefined ? placeholder : String(value);
    })
};
