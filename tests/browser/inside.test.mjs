// The inspector: what it shows is what the engine does, and every picture follows its controls.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { obstacle, samples } from './support/env.mjs';
import { eraseNatively, scratchFolder } from './support/native.mjs';
import { decode, difference } from './support/pixels.mjs';
import { FIRST, SECOND } from './support/samples.mjs';
import {
  ANSWER_MILLISECONDS,
  LIMIT_MILLISECONDS,
  engineReady,
  settled,
  withPageServed,
} from './support/session.mjs';
import { boxes, choose, drawAll, photoShown, save, shownPhoto } from './support/stage.mjs';

const PHOTO = join(samples, 'door-606.jpg');

describe('the inspector', { skip: obstacle, timeout: LIMIT_MILLISECONDS }, () => {
  const at = withPageServed();

  async function inspecting(t) {
    const session = await at.visit(t);
    const { page } = session;
    await choose(page, PHOTO);
    await photoShown(page, 'door-606.jpg');
    await engineReady(page);
    await drawAll(page, [FIRST, SECOND]);
    await settled(page);
    await page.keyboard.press('i');
    await page.locator('.inside-body[data-area]').waitFor();
    await settled(page);
    return session;
  }

  const picture = (page, name) => page.locator(`[data-testid=picture][data-name="${name}"]`);
  /** A picture's pixels, as one line of text. */
  const pixels = (page, name) =>
    picture(page, name)
      .locator('canvas')
      .evaluate((canvas) => canvas.toDataURL());
  const area = ({ left, top, width, height }) => `${left} ${top} ${width} ${height}`;

  test('it shows the selected box, and another one by its digit', async (t) => {
    const { page } = await inspecting(t);
    const body = page.locator('.inside-body');
    assert.equal(await body.getAttribute('data-area'), area(SECOND), 'drawn last, so selected');
    const read = (await boxes(page)).map(({ digit }) => String(digit));
    assert.equal(await body.getAttribute('data-digit'), read[1]);
    const before = await pixels(page, 'Input');
    await page.getByTestId('inside-box').first().click();
    await settled(page);
    assert.equal(await body.getAttribute('data-area'), area(FIRST));
    assert.equal(await body.getAttribute('data-digit'), read[0]);
    assert.notEqual(await pixels(page, 'Input'), before);

    // Another digit's gradient, of the same input.
    const [input, gradient] = [await pixels(page, 'Input'), await pixels(page, 'Gradient')];
    await page.getByTestId('gradient-of').nth((Number(read[0]) + 3) % 10).click();
    await settled(page);
    assert.notEqual(await pixels(page, 'Gradient'), gradient);
    assert.equal(await pixels(page, 'Input'), input);

    await page.keyboard.press('Escape');
    await page.getByTestId('inside').waitFor({ state: 'hidden' });
  });

  test('method and sliders change the pictures, the photo and what is saved', async (t) => {
    const session = await inspecting(t);
    const { page } = session;
    const strokes = await pixels(page, 'Strokes');
    const grow = page.locator('[data-testid=parameter][data-name=Grow]');
    await grow.focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await settled(page);
    assert.equal(await grow.inputValue(), '2');
    const grown = await pixels(page, 'Fill');

    await page.getByTestId('method').selectOption('grid');
    await settled(page);
    assert.notEqual(await pixels(page, 'Fill'), grown);
    assert.notEqual(await pixels(page, 'Strokes'), strokes, 'this way looks for none');
    const keys = await pixels(page, 'Key pixels');
    const spacing = page.locator('[data-testid=parameter][data-name=Spacing]');
    await spacing.fill('7');
    await settled(page);
    assert.notEqual(await pixels(page, 'Key pixels'), keys);

    // The film, round by round.
    const last = await pixels(page, 'Fold-in');
    await page.getByTestId('round').fill('0');
    assert.notEqual(await pixels(page, 'Fold-in'), last);

    await page.keyboard.press('Escape');
    const areas = [FIRST, SECOND];
    const options = ['--method', 'grid', '--spacing', '7'];
    const native = await eraseNatively(await scratchFolder(), PHOTO, areas, undefined, options);
    const expected = decode(native.png);
    const onStage = difference(await shownPhoto(page), expected, areas);
    assert.ok(onStage.within <= 2, `the stage shows it: ${JSON.stringify(onStage)}`);
    const saved = decode((await save(page, ANSWER_MILLISECONDS)).png);
    const inFile = difference(saved, expected, areas);
    assert.ok(inFile.within <= 2 && inFile.outside === 0, JSON.stringify(inFile));

    await page.getByRole('button', { name: 'Reset to default' }).click();
    await settled(page);
    const own = await eraseNatively(await scratchFolder(), PHOTO, areas);
    const back = difference(await shownPhoto(page), decode(own.png), areas);
    assert.ok(back.within <= 2, `back to its own way: ${JSON.stringify(back)}`);
  });

  test('the pointer in one picture marks the place in all', async (t) => {
    const { page } = await inspecting(t);
    const box = await picture(page, 'Mean').locator('canvas').boundingBox();
    await page.mouse.move(box.x + 0.25 * box.width, box.y + 0.5 * box.height);
    for (const name of ['Photo', 'Input', 'Gradient', 'Deviation', 'Fill', 'Fold-in']) {
      await picture(page, name).locator('.picture-mark').waitFor({ state: 'attached' });
    }
    // The input is the box, stretched: a quarter across and half down there too.
    const style = await picture(page, 'Photo').locator('.picture-mark').getAttribute('style');
    const [left, top] = style.match(/[\d.]+/g).map(Number);
    assert.ok(Math.abs(left - 25) < 1.5 && Math.abs(top - 50) < 1.5, style);
    await page.mouse.move(5, 5);
    assert.equal(await page.locator('.picture-mark').count(), 0);
  });
});
