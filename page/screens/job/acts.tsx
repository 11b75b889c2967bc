/** What can be done with this job now, and the dialog that sends it again with other arguments. */
import type { JSX } from 'preact';
import { useId, useMemo, useState } from 'preact/hooks';
import type { JobDetail } from '../../../src/ui/wire.ts';
import { Dialog, useConfirm } from '../../parts/dialog.tsx';
import { Sentence } from '../../parts/text.tsx';
import { count } from '../../plain/format.ts';
import { troubleInArgs } from '../../plain/json-shape.ts';
import { usePage } from '../../server/context.ts';

type ActName = JobDetail['acts'][number];

const BUTTONS: Readonly<Record<ActName, { readonly verb: string; readonly means: string | null }>> = {
  retry: { verb: 'Retry', means: null },
  'retry-anew': { verb: 'Retry with other arguments…', means: null },
  revoke: { verb: 'Revoke', means: 'If it waits, it will not run. If it runs, it is asked to stop.' },
  kill: {
    verb: 'Kill',
    means: 'The process that runs it is killed, with all that it has started. The job does not run again.',
  },
  forget: { verb: 'Delete', means: 'Its outcome is removed, with errors, output and value. Nobody can bring it back.' },
};

export function JobActs({ job }: { readonly job: JobDetail }): JSX.Element | null {
  const { session, run } = usePage();
  const { ask, dialog } = useConfirm();
  const [isEditing, setEditing] = useState(false);
  if (session.isReadOnly || job.acts.length === 0) return null;

  const press = (name: ActName): void => {
    if (name === 'retry-anew') return setEditing(true);
    const { verb, means } = BUTTONS[name];
    const act = (): void => void run({ kind: name, ids: [job.id] });
    if (means === null) return act();
    ask({ title: `${verb} this job`, body: <p>{means}</p>, verb, isDanger: true, typed: null, act });
  };
  return (
    <div class="acts" role="group" aria-label="What can be done">
      {job.acts.map((name) => (
        <button
          key={name}
          type="button"
          class={name === 'retry' ? 'primary' : BUTTONS[name].means === null ? '' : 'danger'}
          onClick={() => press(name)}
        >
          {BUTTONS[name].verb}
        </button>
      ))}
      {dialog}
      {isEditing && <RetryAnew job={job} onClose={() => setEditing(false)} />}
    </div>
  );
}

function RetryAnew({ job, onClose }: { readonly job: JobDetail; readonly onClose: () => void }): JSX.Element {
  const { session, run, go } = usePage();
  const isCut = job.cut['args'] !== undefined;
  const [text, setText] = useState(() => (isCut ? '' : JSON.stringify(job.args ?? [], null, 2)));
  const id = useId();
  const trouble = useMemo(() => troubleInArgs(text), [text]);
  const [isSending, setSending] = useState(false);
  const [refusal, setRefusal] = useState('');
  const send = async (): Promise<void> => {
    setSending(true);
    const answer = await run({ kind: 'retry-anew', id: job.id, argsText: text });
    setSending(false);
    // What was typed must not be lost.
    if (!answer.isGood) return setRefusal(answer.text);
    onClose();
    if (answer.id !== undefined) go({ screen: 'job', id: answer.id });
  };
  const submit = (event: Event): void => {
    event.preventDefault();
    if (trouble === null && !isSending) void send();
  };
  return (
    <Dialog title="Retry with other arguments" onClose={onClose} isWide>
      <form onSubmit={submit}>
        <p>A new job of the same task is sent; this one stays as it is.</p>
        {session.hidesArguments && (
          <p class="note warning">Its arguments are hidden on this page. Write all of them anew.</p>
        )}
        {isCut && (
          <p class="note warning">
            Its arguments are too long for this page, {count(job.cut['args'] ?? 0)} characters. Write all of them anew.
          </p>
        )}
        <p class="field">
          <label for={id}>Arguments, as a JSON list</label>
          <textarea
            id={id}
            class="code"
            rows={12}
            spellcheck={false}
            aria-invalid={trouble !== null}
            aria-describedby={`${id}-trouble`}
            value={text}
            onInput={(event) => {
              setText(event.currentTarget.value);
              setRefusal('');
            }}
          />
        </p>
        <p id={`${id}-trouble`} class="trouble" role={refusal === '' ? undefined : 'alert'}>
          <Sentence text={trouble ?? refusal} />
        </p>
        <p class="buttons">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="primary" disabled={trouble !== null || isSending}>
            Send
          </button>
        </p>
      </form>
    </Dialog>
  );
}
