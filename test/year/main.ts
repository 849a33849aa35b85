/** `npm run year`: a simulated year. Ends with the line `N days, N AMIs made, N removed, N violations`. */
import { parseArgs } from 'node:util';
import { say, secondsSince, wholeNumber } from '../faults/player/command-line.ts';
import { type Year, playYear } from './year.ts';

const USAGE = `Plays a year of a factory that retires what it made, in an AWS that is embedded in this repository.

  npm run year                     365 days, an inventory every 20 minutes
  npm run year -- --seed 7         another year; 1 by default
  npm run year -- --days 120       a shorter or longer one
  npm run year -- --every 60       minutes from one inventory to the next; 20 by default, as deployed
  npm run year -- --quick          with a retention of days, so that a few weeks show what a year does
`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      days: { type: 'string', default: '365' },
      every: { type: 'string', default: '20' },
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const startedAt = performance.now();
  const told = new Set<string>();
  const tell = ({ violations }: Year): void => {
    for (const one of violations.filter((violation) => !told.has(violation))) {
      told.add(one);
      say(`  ${one}`);
    }
  };
  const year = await playYear({
    days: wholeNumber('days', values.days),
    seed: wholeNumber('seed', values.seed),
    everyMinutes: wholeNumber('every', values.every),
    isQuick: values.quick,
    onDay: (day, so) => {
      tell(so);
      if (day % 30 === 29)
        say(
          `${String(day + 1).padStart(5)} days in ${Math.round(secondsSince(startedAt))} s: ${so.made} AMIs made, ${so.removed} removed, ${so.violations.length} violations`,
        );
    },
  });
  tell(year);
  const { releases, inventories, runs, redRuns, capped, undone, troubles } = year.figures;
  say(
    `${releases} releases, ${inventories} inventories, ${runs} runs, ${redRuns} of them red, ${capped} because they would do too much; ${undone} versions taken back by hand; ${troubles} troubles`,
  );
  say(
    `${year.days} days, ${year.made} AMIs made, ${year.removed} removed, ${year.violations.length} violations`,
  );
  return year.violations.length === 0 ? 0 : 1;
}

process.exitCode = await main();
