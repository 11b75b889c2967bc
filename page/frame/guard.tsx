/** Around what is drawn of the server's answers: one that this page does not understand, of another version of fsq, leaves a word and a way on. */
import type { ComponentChildren, JSX } from 'preact';
import { useErrorBoundary } from 'preact/hooks';
import { Name } from '../parts/text.tsx';
import { Reload } from './no-page.tsx';

export function Guard({ children }: { readonly children: ComponentChildren }): JSX.Element {
  const [error] = useErrorBoundary();
  if (error === undefined) return <>{children}</>;
  return (
    <div class="note critical" role="alert">
      <p class="strong">This page cannot show what the server has answered.</p>
      <p>
        Perhaps the server is of another version than the page: <Name text={String(error)} />
      </p>
      <Reload />
    </div>
  );
}
