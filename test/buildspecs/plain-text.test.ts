import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plainText, visible } from '../../buildspecs/plain-text.mjs';

/** By number, so that the test does not ask the expression under test. */
function isUnseen(character: string): boolean {
  const code = character.charCodeAt(0);
  const within = (from: number, to: number) => code >= from && code <= to;
  if (character === '\n' || character === '\t') return false;
  return (
    within(0, 0x1f) ||
    within(0x7f, 0x9f) ||
    within(0x200b, 0x200f) ||
    within(0x202a, 0x202e) ||
    within(0x2066, 0x2069)
  );
}
const unseenIn = (text: string) => text.split('').filter(isUnseen);

/** Texts of which most are pieces of what a terminal obeys. */
const texts = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc
    .array(
      fc.constantFrom(
        '\u001B',
        '\u009B',
        '\u009D',
        '[',
        ']',
        '8;;',
        '2J',
        '31m',
        '\u0007',
        '\\',
        '\r',
        '\n',
        'a',
        ' ',
        '\u202E',
        '\u200B',
        'ü',
      ),
    )
    .map((pieces) => pieces.join('')),
);

describe('plain text', () => {
  it('holds nothing that a terminal obeys or nobody sees, whatever it is made of', () => {
    fc.assert(
      fc.property(texts, (text) => {
        expect(unseenIn(plainText(text))).toEqual([]);
      }),
    );
  });

  it('made plain once more stays as it is', () => {
    fc.assert(
      fc.property(texts, (text) => {
        expect(plainText(plainText(text))).toBe(plainText(text));
      }),
    );
  });

  it('of a text without any of it is that text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        fc.pre(!/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(text));
        expect(plainText(text)).toBe(text);
      }),
    );
  });

  it.each([
    ['\u001B[1;31mError:\u001B[0m no luck', 'Error: no luck'],
    ['\u009B31mError', 'Error'],
    ['before\u001B[2J\u001B[Hafter', 'beforeafter'],
    ['\u001B]8;;http://x\u0007click\u001B]8;;\u0007', 'click'],
    ['\u001B]8;;http://x\u001B\\click\u001B]8;;\u001B\\', 'click'],
    ['\u009D0;a title\u009Crest', 'rest'],
    ['\u001BP1$r0m\u001B\\rest', 'rest'],
    ['\u001B]0;never ended\nnext line', '0;never ended\nnext line'],
    ['\u001B(Brest\u001B7', 'rest'],
    ['\u001B\u001B[2J[2J', '\\u001b[2J'],
    ['10 %\r20 %\r\ndone', '10 %\n20 %\ndone'],
    ['a\tb\nc', 'a\tb\nc'],
    ['bell\u0007', 'bell\\u0007'],
    ['main\u202Egpj.exe', 'main\\u202egpj.exe'],
    ['ma\u200Bin', 'ma\\u200bin'],
    ['ümläut-木 … “quoted”', 'ümläut-木 … “quoted”'],
  ])('of %j is %j', (text, plain) => {
    expect(plainText(text)).toBe(plain);
  });
});

describe('a document of JSON', () => {
  it('with everything visible is the same document', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary' }), fc.constantFrom(0, 2), (value, indent) => {
        const json = visible(JSON.stringify(value, null, indent));
        expect(unseenIn(json)).toEqual([]);
        expect(JSON.stringify(JSON.parse(json))).toBe(JSON.stringify(value));
      }),
    );
  });
});
