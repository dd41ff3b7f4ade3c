import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { GatewayError } from '@guichet/core'
import { Fields } from './fields.ts'
import { mendJson } from './mend-json.ts'
import { asksForPass, blocMessage, visibleText } from './pages.ts'

function fields(values: Record<string, unknown>): Fields {
  return new Fields(values, 'folder/ls')
}

function changedNaming(field: string): (failure: unknown) => boolean {
  return (failure) =>
    failure instanceof GatewayError &&
    failure.code === 'upstream-changed' &&
    failure.message.includes('folder/ls') &&
    failure.facts['field'] === field
}

describe('the fields of an answer', () => {
  it('take a number or its digits', () => {
    assert.equal(fields({ size: 12 }).count('size'), 12)
    assert.equal(fields({ size: '12' }).count('size'), 12)
    assert.equal(fields({ cdn: '100.5' }).findNumber('cdn'), 100.5)
    assert.equal(fields({ rest: '-5' }).findNumber('rest'), -5)
    for (const size of ['12 o', '1e3', '0x10', -1, 1.5, true, {}, '9'.repeat(19)]) {
      assert.throws(() => fields({ size }).count('size'), changedNaming('size'))
    }
  })

  it('take a flag in every spelling seen', () => {
    for (const yes of [1, '1', true]) assert.equal(fields({ pass: yes }).flag('pass'), true)
    for (const no of [0, '0', false, '', null, undefined])
      assert.equal(fields({ pass: no }).flag('pass'), false)
    assert.throws(() => fields({ pass: 'maybe' }).flag('pass'), changedNaming('pass'))
  })

  it('name what is missing', () => {
    assert.throws(() => fields({}).text('name'), changedNaming('name'))
    assert.throws(() => fields({ name: null }).text('name'), changedNaming('name'))
    assert.throws(() => fields({}).count('id'), changedNaming('id'))
    assert.throws(() => fields({}).links('urls'), changedNaming('urls'))
    assert.throws(() => fields({ url: 'https://example.com/?abcde' }).link('url'), changedNaming('url'))
  })

  it('never answer with what an object inherits', () => {
    assert.equal(fields({}).find('constructor'), undefined)
    assert.equal(fields(JSON.parse('{"__proto__":"x"}')).find('toString'), undefined)
  })

  it('keep any Unicode as it is', () => {
    const name = 'é\u0301 \ud800 📷 a;b/c\\d'
    assert.equal(fields({ name }).text('name'), name)
  })
})

describe('broken JSON', () => {
  it('is mended where a name holds a stray backslash or a control character', () => {
    assert.deepEqual(mendJson('{"a":"C:\\dir\\x"}'), { a: 'C:\\dir\\x' })
    assert.deepEqual(mendJson('{"a":"x\u0001y"}'), { a: 'x\u0001y' })
    assert.deepEqual(mendJson('{\n\t"a":"x\ty\r\n",\n"b":"\\q\\"\t"}'), { a: 'x\ty\r\n', b: '\\q"\t' })
  })

  it('is left alone where it is good, and is nothing where it is cut', () => {
    assert.deepEqual(mendJson('{"a":"\\u00e9\\n\\\\d"}'), { a: 'é\n\\d' })
    assert.equal(mendJson('{"a":"'), undefined)
    assert.equal(mendJson('IP Locked'), undefined)
  })
})

describe('a page', () => {
  it('shows its words without tags, scripts and entities', () => {
    const page =
      '<html><style>p{}</style><script>if (a<b) "IP Locked"</script><p>trouv&eacute; dans l&#39;envoi</p>'
    assert.equal(visibleText(page), "trouvé dans l'envoi")
  })

  it('gives the first message box that is not empty', () => {
    const page = `<div class="bloc">no</div><div class='a bloc2'> </div><div id="x" class="bloc2"><b>Pas</b> de fichier</div>`
    assert.equal(blocMessage(page), 'Pas de fichier')
    assert.equal(blocMessage('<div class="bloc">no</div>'), '')
  })

  it('asks for a password by an input of that name', () => {
    assert.ok(asksForPass('<form><INPUT type=password name=pass></form>'))
    assert.ok(!asksForPass('<form><input name="passage"></form>'))
  })

  it('is read in linear time', () => {
    for (const piece of ['<', '<script>', '<div class="bloc2">', '<input ', '&']) {
      const page = piece.repeat(200_000)
      visibleText(page)
      blocMessage(page)
      asksForPass(page)
    }
    for (const piece of ['"', '\\', '\\"', '"\\"', '\t']) mendJson(`{"${piece.repeat(200_000)}`)
  })
})
