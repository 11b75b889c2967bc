/** What a tab shows of the page while another is in front: its title and its picture tell of trouble. */
import { useEffect } from 'preact/hooks';
import type { Summary } from '../../src/ui/wire.ts';
import type { Place } from '../plain/place.ts';

type Status = Summary['verdict']['status'];

const SIGNS: Readonly<Record<Status, { readonly mark: string; readonly colour: string }>> = {
  ok: { mark: '', colour: '4f5bd5' },
  warning: { mark: '⚠ ', colour: 'b87a00' },
  critical: { mark: '✖ ', colour: 'c22f2f' },
};

export function useSign(place: Place, status: Status): void {
  const { mark, colour } = SIGNS[status];
  const screen = place.screen === 'job' ? `job ${place.id.slice(0, 8)}` : place.screen;
  useEffect(() => {
    document.title = `${mark}${screen} · fsq`;
  }, [mark, screen]);
  useEffect(() => {
    const icon = document.querySelector<HTMLLinkElement>('link[rel=icon]');
    if (icon !== null) icon.href = icon.href.replace(/%23[0-9a-f]{6}/, `%23${colour}`);
  }, [colour]);
}
