/**
 * The parameters of each recommendation endpoint, by the endpoint's name. Empty here: `npm run
 * compile` adds the endpoints of peach.conf.
 */
export interface PeachRecommendations {}

/**
 * The parameters that a component of this endpoint gets, with the types of peach.conf. Any
 * parameters in a program without `recommendations.d.ts`.
 */
export type RecommendationParams<Name extends string> = Name extends keyof PeachRecommendations
  ? PeachRecommendations[Name]
  : Readonly<Record<string, string | number | boolean | undefined>>;
