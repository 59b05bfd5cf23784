/**
 * Loaded into every test process before anything else. tap registers a module hook that writes down which files a test
 * loads, for its coverage and `--changed`, neither of which is used here: each test file would pay half a second of a
 * processor for a second thread that every module goes through.
 */
import module from 'node:module'

module.register = () => undefined
