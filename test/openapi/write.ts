/** `npm run openapi`: writes the document to docs/openapi.json. */
import { writeFileSync } from 'node:fs'
import { projectPath } from '../fixtures/project.js'
import { renderDocument } from './rendered.js'

writeFileSync(projectPath('docs/openapi.json'), await renderDocument())
