/** What `npm start`, the unit and the image give node; here whatever is compared with sipauthd has it too. */
export const NODE_ENV = { NODE_OPTIONS: '--max-semi-space-size=32' } as const
