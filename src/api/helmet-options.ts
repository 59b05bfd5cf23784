import type { FastifyHelmetOptions } from '@fastify/helmet'

/**
 * What helmet adds to every answer of a route, the same that `SECURE_HEADERS` has for answers that no route gives; a
 * route that serves pages overrides parts of it with its own `helmet`. Fields that only browsers of the past read are
 * left out.
 */
export const HELMET_OPTIONS: FastifyHelmetOptions = {
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      defaultSrc: ["'none'"],
      baseUri: ["'none'"],
      formAction: ["'none'"],
      frameAncestors: ["'none'"],
    },
  },
  xFrameOptions: { action: 'deny' },
  strictTransportSecurity: false,
  originAgentCluster: false,
  xDnsPrefetchControl: false,
  xDownloadOptions: false,
  xPermittedCrossDomainPolicies: false,
  xXssProtection: false,
}
