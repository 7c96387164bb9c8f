import { describe, expect, test } from 'bun:test'
import { mkdirSync } from 'node:fs'
import { defaultConfigFile, defaultJournal } from '../../src/config/default-paths.ts'
import { configFolder } from './folder.ts'

const folder = configFolder()

describe('the configuration file', () => {
  test('is the one in the user’s folder, as XDG has it', () => {
    mkdirSync(folder.path('xdg/pgturret'), { recursive: true })
    mkdirSync(folder.path('.config/pgturret'), { recursive: true })
    const own = folder.write('.config/pgturret/pgturret.toml', '')
    expect(defaultConfigFile({ HOME: folder.path('') })).toBe(own)
    // A variable that is set goes before what it stands for, even where no file is.
    expect(defaultConfigFile({ HOME: folder.path(''), XDG_CONFIG_HOME: folder.path('xdg') })).not.toBe(own)
    const named = folder.write('xdg/pgturret/pgturret.toml', '')
    expect(defaultConfigFile({ HOME: folder.path(''), XDG_CONFIG_HOME: folder.path('xdg') })).toBe(named)
    expect(defaultConfigFile({ HOME: folder.path(''), XDG_CONFIG_HOME: 'relative' })).toBe(own)
  })

  test('that cannot be looked at is not passed over', () => {
    const loop = folder.write('not-a-folder', '')
    expect(defaultConfigFile({ XDG_CONFIG_HOME: `${loop}/${'x'.repeat(300)}` })).toContain('not-a-folder')
  })
})

describe('the journal', () => {
  test.each([
    [{ STATE_DIRECTORY: '/var/lib/a:/var/lib/b', XDG_STATE_HOME: '/s' }, 1, '/var/lib/a'],
    [{ XDG_STATE_HOME: '/s', HOME: '/home/u' }, 1, '/s/pgturret'],
    [{ XDG_STATE_HOME: '/s' }, 0, '/s/pgturret'],
    [{ HOME: '/home/u' }, 1, '/home/u/.local/state/pgturret'],
    [{ HOME: '/root' }, 0, '/var/lib/pgturret'],
    [{ XDG_STATE_HOME: 'relative', STATE_DIRECTORY: '' }, 1, '/var/lib/pgturret'],
    [{}, 1, '/var/lib/pgturret'],
  ])('%p as user %p: %p', (env, uid, path) => {
    expect(defaultJournal(env, uid)).toBe(path)
  })
})
