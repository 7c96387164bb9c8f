import type { Command } from 'commander'
import type { CommandContext } from './context.ts'
export function addDoctor(
  program: Command,
  run: (action: () => Promise<number>) => Promise<void>,
  context: CommandContext,
) {
  void program
  void run
  void context
}
