import t from 'tap';
import { pageDocument, pagePart } from '../../agent/page/document.ts';
import { calmPage } from '../fixtures/page.ts';

t.test('one document, which holds the part and names nothing elsewhere', async (t) => {
  const whole = pageDocument(calmPage()).markup;
  t.match(whole, /^<!doctype html>\n<html lang="en">/);
  t.ok(whole.includes(pagePart(calmPage()).markup));
  t.notMatch(whole, /(src|href)="(?!data:,|diff\?)|url\(|@import|https?:\/\/(?!broker)/);
});
