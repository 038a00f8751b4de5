import fc from 'fast-check';
import t from 'tap';
import { escapeHtml, html } from '../../agent/page/html.ts';

t.test('text is escaped, markup is not, lists stand behind each other', async (t) => {
  const hostile = `<script>alert("1")</script>&'`;
  t.equal(html`<p title="${hostile}">${hostile}</p>`.markup.includes('<script'), false);
  t.equal(html`<b>${html`<i>${'<'}</i>`}</b>${null}${3}`.markup, '<b><i>&lt;</i></b>3');
  t.equal(html`<ul>${['a', 'b'].map((one) => html`<li>${one}</li>`)}</ul>`.markup, '<ul><li>a</li><li>b</li></ul>');
});

t.test('nothing can leave an attribute or begin an element', async () => {
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 20 }), (text) => !/[<>"']/.test(escapeHtml(text))));
});
